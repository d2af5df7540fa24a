//! Which interface is in which subnet.

/// A subnet, with its zone where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`
    pub id: String,
    /// For example `us-west-2a`.
    pub zone: String,
}

/// Why interfaces cannot be spread.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// None was given.
    #[error("there is no subnet for the interfaces")]
    None,
    /// More than three was given.
    #[error("{0} subnets; the interfaces of a node spread over three at most")]
    TooMany(usize),
    /// They are in several zones.
    #[error(
        "{first} is in {first_zone} and {other} in {other_zone}: all interfaces of an instance are in one zone, and EFA \
         does not cross zones; use subnets of one zone, or a node group for each zone"
    )]
    Zones {
        /// One subnet.
        first: String,
        /// Its zone.
        first_zone: String,
        /// Another one.
        other: String,
        /// Its zone.
        other_zone: String,
    },
}

/// The subnet of each of `count` interfaces, the primary one first: it is in A, the first half of the others in B,
/// the rest in C (on 16: 1 to 7 and 8 to 15). With two subnets all the others are in B, with one all are in A.
///
/// Only Auto Scaling groups of one's own take this: a managed node group refuses a template with a subnet in it.
pub fn spread(subnets: &[Subnet], count: usize) -> Result<Vec<&str>, SubnetError> {
    let first = subnets.first().ok_or(SubnetError::None)?;
    if subnets.len() > 3 {
        return Err(SubnetError::TooMany(subnets.len()));
    }
    if let Some(other) = subnets.iter().find(|subnet| subnet.zone != first.zone) {
        return Err(SubnetError::Zones {
            first: first.id.clone(),
            first_zone: first.zone.clone(),
            other: other.id.clone(),
            other_zone: other.zone.clone(),
        });
    }
    let others = count.saturating_sub(1);
    let place = |interface: usize| match (interface, subnets.len()) {
        (0, _) | (_, 1) => 0,
        (_, 2) => 1,
        (interface, _) => 1 + usize::from(interface > others / 2),
    };
    Ok((0..count)
        .filter_map(|interface| subnets.get(place(interface)))
        .map(|subnet| subnet.id.as_str())
        .collect())
}
