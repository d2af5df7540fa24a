//! The session tokens that the server gave out.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// Tokens kept; beyond that the one nearest to its end makes room.
const MAX_TOKENS: usize = 1024;

#[derive(Default)]
pub(super) struct Tokens {
    ends: HashMap<String, Instant>,
}

impl Tokens {
    /// A new token that is good for `life` from `now`.
    pub(super) fn issue(&mut self, life: Duration, now: Instant) -> String {
        self.ends.retain(|_, end| *end > now);
        while self.ends.len() >= MAX_TOKENS {
            let Some(soonest) = self.ends.iter().min_by_key(|(_, end)| **end).map(|(token, _)| token.clone())
            else {
                break;
            };
            self.ends.remove(&soonest);
        }
        // Not guessable by accident; enough for a server that gives a token to whoever asks.
        let part = || RandomState::new().build_hasher().finish();
        let token = format!("{:016x}{:016x}{:016x}", part(), part(), part());
        self.ends.insert(token.clone(), now + life);
        token
    }

    /// Whether `token` came from here and has not run out.
    pub(super) fn accepts(&self, token: &str, now: Instant) -> bool {
        self.ends.get(token).is_some_and(|end| *end > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_expire() {
        let mut tokens = Tokens::default();
        let now = Instant::now();
        let token = tokens.issue(Duration::from_secs(60), now);
        assert!(tokens.accepts(&token, now + Duration::from_secs(59)));
        assert!(!tokens.accepts(&token, now + Duration::from_secs(60)));
        assert!(!tokens.accepts("0000", now));
    }

    #[test]
    fn their_number_is_bounded() {
        let mut tokens = Tokens::default();
        let now = Instant::now();
        let short = tokens.issue(Duration::from_secs(1), now);
        let kept: Vec<_> = (0..MAX_TOKENS).map(|_| tokens.issue(Duration::from_secs(60), now)).collect();
        assert!(tokens.ends.len() <= MAX_TOKENS);
        assert!(!tokens.accepts(&short, now));
        assert!(kept.iter().all(|token| tokens.accepts(token, now)));
    }
}
