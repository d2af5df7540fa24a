//! Network cards as the data file writes them: a run of equal cards is one entry. Reports list them one by one.

use serde::{Deserialize, Deserializer};

use super::{InterfaceKind, NetworkCard};

/// No type has more than 32 cards; a run beyond this is a broken file, not a big instance.
const MOST: u32 = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    first: u32,
    last: u32,
    enis: u32,
    kinds: Vec<InterfaceKind>,
    gbps: Option<f64>,
    #[serde(default)]
    peak_gbps: Option<f64>,
}

/// The cards one by one.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<NetworkCard>, D::Error> {
    let mut cards = Vec::new();
    for run in Vec::<Run>::deserialize(input)? {
        if run.last >= MOST {
            return Err(serde::de::Error::custom(format!("network card {} of at most {MOST}", run.last)));
        }
        cards.extend((run.first..=run.last).map(|index| NetworkCard {
            index,
            max_interfaces: run.enis,
            kinds: run.kinds.clone(),
            baseline_gbps: run.gbps,
            peak_gbps: run.peak_gbps.or(run.gbps),
        }));
    }
    Ok(cards)
}
