//! Resources and what each needs.

use std::collections::{BTreeMap, BTreeSet};

use super::Resource;

/// Resources whose needs are all there and in no circle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    resources: BTreeMap<String, Resource>,
    /// Each after what it needs; alphabetical where that leaves a choice.
    order: Vec<String>,
}

/// Why resources make no graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two of one name.
    #[error("{0} is there twice")]
    Twice(String),
    /// A need that is not there.
    #[error("{id} needs {need}, which is not there")]
    Unknown {
        /// Who.
        id: String,
        /// What.
        need: String,
    },
    /// What must be there needs what must not.
    #[error("{id} needs {need}, which is to be removed")]
    Unwanted {
        /// Who.
        id: String,
        /// What.
        need: String,
    },
    /// Two that cannot be there at once must both be there.
    #[error("{id} and {other} cannot be there at once")]
    Both {
        /// Who.
        id: String,
        /// The other.
        other: String,
    },
    /// Needs that lead back to where they began.
    #[error("these need each other: {}", .0.join(", "))]
    Circle(Vec<String>),
}

impl Graph {
    /// The graph of `resources`.
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Result<Self, GraphError> {
        let mut by_id = BTreeMap::new();
        for resource in resources {
            let id = resource.id.clone();
            if by_id.insert(id.clone(), resource).is_some() {
                return Err(GraphError::Twice(id));
            }
        }
        let order = order(&by_id)?;
        Ok(Self { resources: by_id, order })
    }

    /// Every resource, each after what it needs.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Resource> {
        self.order.iter().filter_map(|id| self.resources.get(id))
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<&Resource> {
        self.resources.get(id)
    }

    /// Those that need `id`.
    pub fn needed_by<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.values().filter(move |resource| resource.needs.contains(id))
    }
}

fn order(resources: &BTreeMap<String, Resource>) -> Result<Vec<String>, GraphError> {
    for resource in resources.values() {
        if let Some(need) = resource.needs.iter().find(|need| !resources.contains_key(*need)) {
            return Err(GraphError::Unknown { id: resource.id.clone(), need: need.clone() });
        }
        let unwanted = |need: &&String| resources.get(*need).is_some_and(|need| !need.wanted);
        if let Some(need) = resource.needs.iter().find(unwanted).filter(|_| resource.wanted) {
            return Err(GraphError::Unwanted { id: resource.id.clone(), need: need.clone() });
        }
        for other in resource.replaces.iter().filter(|_| resource.wanted) {
            let (id, other) = (resource.id.clone(), other.clone());
            match resources.get(&other) {
                None => return Err(GraphError::Unknown { id, need: other }),
                Some(found) if found.wanted => return Err(GraphError::Both { id, other }),
                Some(_) => {}
            }
        }
    }
    let mut left: BTreeSet<&String> = resources.keys().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let ready = |id: &&&String| {
            resources.get(**id).is_some_and(|r| r.needs.iter().all(|need| !left.contains(need)))
        };
        let Some(next) = left.iter().find(ready).copied() else {
            return Err(GraphError::Circle(left.into_iter().cloned().collect()));
        };
        left.remove(next);
        order.push(next.clone());
    }
    Ok(order)
}
