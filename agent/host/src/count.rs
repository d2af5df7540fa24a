//! Numbers of things, for people.

/// `1 label`, `0 labels`, `32 labels`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|number| count(number, "taint")), ["0 taints", "1 taint", "2 taints"]);
    }
}
