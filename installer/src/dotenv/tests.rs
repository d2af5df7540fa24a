use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn one(text: &str) -> Result<String, String> {
    let document = parse(text, |_| None);
    match (document.assignments.as_slice(), document.problems.as_slice()) {
        ([only], []) => Ok(only.value.clone()),
        ([], [only]) => Err(only.what.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_what_a_shell_would_make_of_them() {
    for (text, value) in [
        ("A=b", "b"),
        ("  export A=b  ", "b"),
        ("export\tA=b", "b"),
        ("A=", ""),
        ("A= # none", ""),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A=''", ""),
        ("A='a b # c' # d", "a b # c"),
        (r#"A="a \"b\" \\ \$c # d""#, r#"a "b" \ $c # d"#),
        ("A='${B} `x` $y'", "${B} `x` $y"),
        ("\u{feff}A=b\r\n", "b"),
        ("A=b=c", "b=c"),
    ] {
        assert_eq!(one(text), Ok(value.to_owned()), "{text}");
    }
}

#[test]
fn what_a_shell_would_read_otherwise_is_a_mistake() {
    for (text, part) in [
        ("A = b", "white space beside"),
        ("A= b", "white space beside"),
        ("A", "not NAME=value"),
        ("=b", "not a name"),
        ("1A=b", "not a name"),
        ("A-B=c", "not a name"),
        ("A=b c", "after the value"),
        ("A='b", "no end"),
        ("A=\"b", "no end"),
        ("A='b'c", "after the value"),
        ("A='b'#c", "after the value"),
        ("A=$B", "{NAME}"),
        ("A=${B", "{NAME}"),
        ("A=${B-c}", "{NAME}"),
        ("A=$(date)", "{NAME}"),
        ("A=\"`date`\"", "command"),
        ("A=a\\b", "without quotes"),
        (r#"A="\n""#, "\\ stands before"),
        ("A=${B}", "no value on an earlier line"),
        ("A=b\u{7}", "control character"),
        ("A=\"b\tc\"", "tab"),
    ] {
        let problem = one(text).unwrap_err();
        assert!(problem.contains(part), "{text}: {problem}");
    }
}

#[test]
fn a_reference_means_the_environment_first_and_then_an_earlier_line() {
    let text = "A=file\nB=${A}-x\nC=\"${A}${B}\"\n";
    let plain = parse(text, |_| None);
    assert_eq!(plain.value("C"), Some("filefile-x"));
    let above = parse(text, |name| (name == "A").then(|| "env".to_owned()));
    assert_eq!(above.value("C"), Some("envenv-x"));
    let later = parse("B=${A}\nA=1\n", |_| None);
    assert_eq!(later.problems[0].line, 1);
}

#[test]
fn a_name_that_is_set_twice_is_told_with_both_lines() {
    let document = parse("A=1\n\nA=2\n", |_| None);
    let problem = Problem { name: Some("A".into()), line: 3, what: "set already on line 1".into() };
    assert_eq!(document.problems, [problem]);
    assert_eq!(document.value("A"), Some("1"));
}

#[test]
fn what_grows_without_bound_is_stopped() {
    let mut text = format!("A0={}\n", "x".repeat(1000));
    for step in 1..60 {
        writeln!(text, "A{step}=${{A{}}}${{A{}}}", step - 1, step - 1).unwrap();
    }
    let document = parse(&text, |_| None);
    assert!(document.problems[0].what.contains("more than 4096 bytes"));
    assert_eq!(parse(&"#\n".repeat(MAX_FILE), |_| None).problems.len(), 1);
}

proptest! {
    #[test]
    fn no_text_is_trouble(text in "[A-C=$'\"\\\\{}# \t\r\n`éx]{0,200}") {
        fuzz(&text);
    }

    #[test]
    fn any_text_is_no_trouble_either(text in "\\PC{0,400}") {
        fuzz(&text);
    }

    #[test]
    fn single_quotes_keep_every_value(value in "[^'\\pC]{0,80}") {
        prop_assert_eq!(one(&format!("A='{value}'")), Ok(value));
    }

    #[test]
    fn double_quotes_keep_every_escaped_value(value in "[^`\\pC]{0,80}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        prop_assert_eq!(one(&format!("A=\"{escaped}\"")), Ok(value));
    }

    #[test]
    fn lines_are_counted(blank in 0_usize..20) {
        let document = parse(&format!("{}A=1\n", "\n".repeat(blank)), |_| None);
        prop_assert_eq!(document.assignments[0].line, blank + 1);
    }
}
