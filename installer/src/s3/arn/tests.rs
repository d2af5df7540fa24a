use proptest::prelude::*;

use super::*;

fn grant(bucket: &str, prefix: &str) -> Grant {
    Grant { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
}

fn why(arn: &str) -> Why {
    Grant::parse(arn, "aws").unwrap_err().why
}

#[test]
fn a_bucket_and_a_prefix_of_it() {
    let read = |arn| Grant::parse(arn, "aws").unwrap();
    assert_eq!(read("arn:aws:s3:::data"), grant("data", ""));
    assert_eq!(read("arn:aws:s3:::data/"), grant("data", ""));
    assert_eq!(read("arn:aws:s3:::data/a/b"), grant("data", "a/b/"));
    assert_eq!(read("arn:aws:s3:::data/a/b/"), grant("data", "a/b/"));
    assert_eq!(read("arn:aws:s3:::data/run:1"), grant("data", "run:1/"));
    // A bucket may have the name of another thing.
    assert_eq!(read("arn:aws:s3:::accesspoint/a"), grant("accesspoint", "a/"));
    let china = Grant::parse("arn:aws-cn:s3:::data", "aws-cn").unwrap();
    assert_eq!((china.arn("aws-cn"), &china), ("arn:aws-cn:s3:::data".to_owned(), &grant("data", "")));
}

#[test]
fn what_is_not_taken_is_told_why() {
    let form = Why::Form("aws".to_owned());
    for arn in ["", "data", "s3://data", "arn:aws:s3::data", "arn:aws:s3:::", "ARN:aws:s3:::data"] {
        assert_eq!(why(arn), form, "{arn}");
    }
    assert!(matches!(why("arn:aws-cn:s3:::data"), Why::Partition { .. }));
    assert_eq!(why("arn:aws:s3express:us-west-2:012345678901:bucket/data--usw2-az1--x-s3"), Why::Directory);
    for arn in [
        "arn:aws:s3:us-west-2:012345678901:accesspoint/mine",
        "arn:aws:s3::012345678901:accesspoint/mine.mrap",
        "arn:aws:s3-object-lambda:us-west-2:012345678901:accesspoint/mine",
    ] {
        assert_eq!(why(arn), Why::AccessPoint, "{arn}");
    }
    assert_eq!(why("arn:aws:iam::012345678901:role/a"), Why::Service("iam".to_owned()));
    assert_eq!(why("arn:aws:s3:us-west-2::data"), Why::Place("aws".to_owned()));
    assert_eq!(why("arn:aws:s3::012345678901:data"), Why::Place("aws".to_owned()));
    for arn in ["arn:aws:s3:::*", "arn:aws:s3:::data*", "arn:aws:s3:::data/*", "arn:aws:s3:::data/a?"] {
        assert_eq!(why(arn), Why::Wildcard, "{arn}");
    }
    assert!(matches!(why("arn:aws:s3:::Data"), Why::Name(_)));
    let long = format!("arn:aws:s3:::data/{}", "a".repeat(1000));
    for arn in [
        "data//",
        "data//a",
        "data/a//b",
        "data/../a",
        "data/./",
        "data/${aws:username}",
        "data/ä",
        "data/a b",
    ]
    .map(|rest| format!("arn:aws:s3:::{rest}"))
    .iter()
    .chain([&long])
    {
        assert!(matches!(why(arn), Why::Prefix(_)), "{arn}: {:?}", Grant::parse(arn, "aws"));
    }
    // What somebody typed cannot command a terminal.
    let told = Grant::parse("\u{1b}[2J", "aws").unwrap_err().to_string();
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn a_bucket_covers_what_is_in_it_and_a_name_no_longer_name() {
    assert!(grant("data", "").covers(&grant("data", "a/")));
    assert!(grant("data", "a/").covers(&grant("data", "a/b/")));
    assert!(!grant("data", "a/").covers(&grant("data", "ab/")));
    assert!(!grant("data", "a/").covers(&grant("data", "")));
    assert!(!grant("data", "").covers(&grant("data2", "")));
}

proptest! {
    #[test]
    fn what_is_read_is_written_and_read_again(text in "arn:aws:s3:::[a-z0-9.-]{1,65}(/[!-~]{0,9}){0,3}") {
        if let Ok(read) = Grant::parse(&text, "aws") {
            prop_assert_eq!(Grant::parse(&read.arn("aws"), "aws"), Ok(read.clone()));
            let arn = read.arn("aws");
            prop_assert!(!arn.contains(['*', '?', '$', '"', '\\']) && !read.prefix.starts_with('/'));
        }
    }

    #[test]
    fn nothing_breaks_it(text in "\\PC{0,60}", rest in "\\PC{0,20}") {
        let _ = Grant::parse(&text, "aws");
        let _ = Grant::parse(&format!("arn:aws:s3:::{rest}"), "aws");
        fuzz(&format!("arn:aws:s3:::{rest}\n{text}"));
    }
}
