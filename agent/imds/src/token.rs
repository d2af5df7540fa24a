//! The session token: fetched once for all requests, renewed before it expires, thrown away when refused.

use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use tokio::sync::Mutex;

use crate::budget::Budget;
use crate::exchange::exchange;
use crate::tries::Tries;
use crate::{Error, Failure, Settings};

pub(crate) const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
pub(crate) const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// EC2's tokens have 56 characters.
const LONGEST_TOKEN: usize = 1024;

/// A session token and when to stop using it.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: HeaderValue,
    renew_at: Instant,
}

/// The token that requests share.
pub(crate) struct Tokens {
    url: Url,
    current: Mutex<Option<Token>>,
}

impl Tokens {
    pub(crate) fn new(url: Url) -> Self {
        Self { url, current: Mutex::new(None) }
    }

    /// A token that has not run out, other than the `refused` one. Requests that need a new one at the same
    /// time wait for the first of them to fetch it.
    pub(crate) async fn get(
        &self,
        http: &reqwest::Client,
        budget: Budget,
        settings: &Settings,
        refused: Option<&Token>,
    ) -> Result<Token, Error> {
        let mut tries = Tries::new("PUT", &self.url, budget, settings);
        let Ok(mut current) = tokio::time::timeout(budget.left(), self.current.lock()).await else {
            return Err(tries.deadline(Failure::NotTried));
        };
        if let Some(token) = current.as_ref()
            && Instant::now() < token.renew_at
            && refused.is_none_or(|refused| refused.value != token.value)
        {
            return Ok(token.clone());
        }
        *current = None;
        let token = self.fetch(http, &mut tries, settings).await?;
        *current = Some(token.clone());
        Ok(token)
    }

    async fn fetch(
        &self,
        http: &reqwest::Client,
        tries: &mut Tries<'_>,
        settings: &Settings,
    ) -> Result<Token, Error> {
        loop {
            let time = tries.begin()?;
            let asked_at = Instant::now();
            let request = http.put(self.url.clone()).header(TTL_HEADER, settings.token_ttl.as_secs());
            match exchange(request, LONGEST_TOKEN, time, settings).await {
                Ok(answer) if answer.status == 200 => {
                    let value = check(answer.body.as_deref())
                        .map_err(|problem| Error::Token { url: self.url.to_string(), problem })?;
                    let life = told_life(&answer.headers)
                        .map_or(settings.token_ttl, |told| told.min(settings.token_ttl));
                    return Ok(Token { value, renew_at: renewal(asked_at, life) });
                }
                Ok(answer) if answer.status == 403 => return Err(tries.disabled()),
                Ok(answer) => tries.refused(answer.status).await?,
                Err(Failure::Silent(time)) => tries.again(Failure::TokenSilent(time)).await?,
                Err(failure) => tries.again(failure).await?,
            }
        }
    }
}

/// A token is used for four fifths of its life, counted from before it was asked for.
fn renewal(asked_at: Instant, life: Duration) -> Instant {
    asked_at + life * 4 / 5
}

/// The life the service says it gave, which may be less than was asked for.
fn told_life(headers: &HeaderMap) -> Option<Duration> {
    headers.get(TTL_HEADER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn check(body: Option<&[u8]>) -> Result<HeaderValue, &'static str> {
    let body = body.ok_or("it is longer than 1024 bytes")?;
    if body.is_empty() {
        return Err("it is empty");
    }
    if !body.iter().all(u8::is_ascii_graphic) {
        return Err("it holds spaces, control characters or bytes outside ASCII");
    }
    let mut value = HeaderValue::from_bytes(body).map_err(|_| "it cannot be sent in a header")?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_token() {
        for bad in [&b""[..], b"a b", b"a\n", b"a\r\nx: y", b"a\0", b"\x7f", "ä".as_bytes()] {
            assert!(check(Some(bad)).is_err(), "{bad:?}");
        }
        assert!(check(None).is_err());
        let value = check(Some(b"AQAEA-x_y==")).unwrap();
        assert_eq!(value, "AQAEA-x_y==");
        assert!(value.is_sensitive());
    }

    #[test]
    fn is_renewed_before_it_expires() {
        let now = Instant::now();
        assert_eq!(renewal(now, Duration::from_secs(300)), now + Duration::from_secs(240));
        assert_eq!(renewal(now, Duration::ZERO), now);
    }

    #[test]
    fn told_life_is_taken_when_it_is_a_number() {
        let told = |text: &'static str| {
            told_life(&HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static(TTL_HEADER),
                HeaderValue::from_static(text),
            )]))
        };
        assert_eq!(told("60"), Some(Duration::from_secs(60)));
        assert_eq!(told("soon"), None);
        assert_eq!(told_life(&HeaderMap::new()), None);
    }
}
