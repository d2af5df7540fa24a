//! Which of many things are read anew at a look: a sixth of them, so that every look costs the same.

/// Each thing is read anew at one of so many looks: once a minute with the usual period.
pub(crate) const ROUND: usize = 6;

/// Counts the looks.
#[derive(Debug, Default)]
pub(crate) struct Turns(usize);

/// One look's turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(usize);

impl Turns {
    /// The next look's.
    pub(crate) fn next(&mut self) -> Turn {
        self.0 = (self.0 + 1) % ROUND;
        Turn(self.0)
    }
}

impl Turn {
    /// Whether the thing at this place of the list has its turn. Things that come and go move others, which are then
    /// read a few looks earlier or later.
    pub(crate) fn is_of(self, place: usize) -> bool {
        place % ROUND == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_once_a_round_and_no_turn_has_many_more() {
        let mut turns = Turns::default();
        let round: Vec<Vec<usize>> = (0..ROUND)
            .map(|_| turns.next())
            .map(|turn| (0..32).filter(|place| turn.is_of(*place)).collect())
            .collect();
        let mut all = round.concat();
        all.sort_unstable();
        assert_eq!(all, (0..32).collect::<Vec<_>>());
        assert!(round.iter().all(|turn| (5..=6).contains(&turn.len())), "{round:?}");
    }
}
