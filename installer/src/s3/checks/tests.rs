use super::*;

fn found(state: State, region: Option<&str>) -> Fact {
    Fact { region: region.map(str::to_owned), state }
}

fn told(fact: &Fact, other_region: bool) -> Vec<String> {
    let all = problems("data", fact, "us-west-2", "012345678901", Allowed { other_region });
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn what_speaks_against_a_bucket_is_told_all_at_once() {
    assert!(told(&found(State::Reachable, Some("us-west-2")), false).is_empty());
    // Not every store that speaks S3's protocol says a region.
    assert!(told(&found(State::Reachable, None), false).is_empty());
    assert_eq!(told(&found(State::Missing, None), true), ["there is no bucket data"]);
    let both = found(State::OtherAccount, Some("eu-west-1"));
    assert_eq!(told(&both, false).len(), 2);
    let one = told(&both, true);
    assert_eq!(one, ["the bucket data is not account 012345678901's; --other-account says whose it is"]);
    assert!(told(&found(State::Denied, Some("us-west-2")), false)[0].contains("--unchecked"));
}

#[test]
fn only_a_redirect_sends_elsewhere() {
    let head = |status, region: &str| Head { status, region: Some(region.to_owned()) };
    assert_eq!(elsewhere(&head(301, "eu-west-1"), "us-west-2").as_deref(), Some("eu-west-1"));
    assert_eq!(elsewhere(&head(400, "us-west-2"), "us-west-2"), None);
    assert_eq!(elsewhere(&head(200, "eu-west-1"), "us-west-2"), None);
    assert_eq!(elsewhere(&Head { status: 301, region: None }, "us-west-2"), None);
}
