//! What the client can be told, and which of it makes sense.

use std::time::Duration;

use reqwest::Url;

use crate::Error;

/// Longest life IMDS gives a token: six hours.
pub(crate) const MAX_TOKEN_TTL: u64 = 21_600;

/// Settings of the client. The defaults suit the boot of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `http://` and a literal IP address, with a port if it is not 80. A name would have to be resolved, which
    /// the boot path must not depend on.
    pub endpoint: String,
    /// Longest time one call may take, all its requests and tries together.
    pub deadline: Duration,
    /// Longest time one try may take to connect; at most a quarter of the deadline is used.
    pub connect_timeout: Duration,
    /// Longest time one try may take from the connection to the last byte of the answer; at most a quarter of the
    /// deadline is used.
    pub answer_timeout: Duration,
    /// Life to ask for a session token: whole seconds, 1 to 21600.
    pub token_ttl: Duration,
    /// Pause before the second try; doubles with every further one.
    pub first_pause: Duration,
    /// Longest pause between two tries.
    pub longest_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: "http://169.254.169.254".to_owned(),
            deadline: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(1),
            answer_timeout: Duration::from_secs(2),
            token_ttl: Duration::from_secs(300),
            // Early in boot the route to the link-local address may be a moment away, so the first pauses are
            // short; IMDS throttles per interface, so the later ones are not.
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl Settings {
    /// The same with times that let a first try fail in silence and a second one succeed: half of the deadline for a
    /// try, an eighth for the pause, a quarter to connect again.
    pub(crate) fn with_room_for_a_second_try(self) -> Self {
        let quarter = self.deadline / 4;
        Self {
            connect_timeout: self.connect_timeout.min(quarter),
            answer_timeout: self.answer_timeout.min(quarter),
            first_pause: self.first_pause.min(quarter / 2),
            ..self
        }
    }

    /// The endpoint as a URL that ends in `/`, once all settings have been found sensible.
    pub(crate) fn checked_endpoint(&self) -> Result<Url, Error> {
        let durations = [
            ("deadline", self.deadline),
            ("connect time-out", self.connect_timeout),
            ("answer time-out", self.answer_timeout),
        ];
        for (name, value) in durations {
            if value.is_zero() {
                return Err(bad(name, value, "more than zero"));
            }
        }
        let ttl = self.token_ttl;
        if ttl.subsec_nanos() != 0 || !(1..=MAX_TOKEN_TTL).contains(&ttl.as_secs()) {
            return Err(bad("token TTL", ttl, "whole seconds from 1 to 21600"));
        }
        endpoint(&self.endpoint)
            .ok_or_else(|| bad("endpoint", &self.endpoint, "http://ADDRESS[:PORT] with a literal IP address"))
    }
}

fn bad(name: &'static str, value: impl std::fmt::Debug, allowed: &'static str) -> Error {
    Error::Settings { name, value: format!("{value:?}"), allowed }
}

fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    // An IPv6 address comes in brackets. `Url` has parsed it already; a name would not parse here.
    let host = url.host_str()?.trim_matches(['[', ']']);
    let literal = host.parse::<std::net::IpAddr>().is_ok();
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (url.scheme() == "http" && literal && bare).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_literal_addresses() {
        for good in ["http://169.254.169.254", "http://127.0.0.1:1338/", "http://[fd00:ec2::254]"] {
            assert!(endpoint(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "169.254.169.254",
            "https://169.254.169.254",
            "http://instance-data.ec2.internal",
            "http://169.254.169.254/latest",
            "http://169.254.169.254?x",
            "http://169.254.169.254#x",
            "http://user@169.254.169.254",
        ] {
            assert!(endpoint(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_try_that_fails_in_silence_leaves_time_for_another() {
        for seconds in [1, 2, 3, 5, 30, 300] {
            let deadline = Duration::from_secs(seconds);
            let set = Settings { deadline, ..Settings::default() }.with_room_for_a_second_try();
            let first = set.connect_timeout + set.answer_timeout;
            assert!(first + set.first_pause + set.connect_timeout < deadline, "{set:?}");
        }
        let usual = Settings::default();
        assert_eq!(usual.clone().with_room_for_a_second_try(), usual);
    }

    #[test]
    fn senseless_settings_name_the_setting() {
        let cases = [
            (Settings { deadline: Duration::ZERO, ..Settings::default() }, "deadline"),
            (Settings { connect_timeout: Duration::ZERO, ..Settings::default() }, "connect time-out"),
            (Settings { answer_timeout: Duration::ZERO, ..Settings::default() }, "answer time-out"),
            (Settings { token_ttl: Duration::from_secs(21_601), ..Settings::default() }, "token TTL"),
            (Settings { token_ttl: Duration::from_millis(1500), ..Settings::default() }, "token TTL"),
            (Settings { endpoint: "http://imds".to_owned(), ..Settings::default() }, "endpoint"),
        ];
        for (settings, name) in cases {
            let error = settings.checked_endpoint().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(Settings::default().checked_endpoint().is_ok());
    }
}
