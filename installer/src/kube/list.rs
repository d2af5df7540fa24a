//! Lists, bounded.

use serde_json::Value;

use super::Client;
use crate::aws::{Failure, Meaning};

/// Objects that are asked for at a time: a GPU node is some 30 KB.
const PAGE: usize = 250;
/// Pages of a list.
const PAGES: usize = 40;

impl Client {
    /// Every object of a list, in pages.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let (mut all, mut more) = (Vec::new(), String::new());
        let join = if path.contains('?') { '&' } else { '?' };
        for _ in 0..PAGES {
            let page = self.get(&format!("{path}{join}limit={PAGE}{more}")).await?.unwrap_or_default();
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => more = format!("&continue={token}"),
                _ => return Ok(all),
            }
        }
        let what = format!("GET {path}: more than {} objects", PAGE * PAGES);
        Err(Failure { call: "kubernetes get", meaning: Meaning::Never, what })
    }

    /// The names, labels and annotations of a list, without what the objects hold.
    pub async fn list_metadata(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let list = self.read(path, accept).await?.unwrap_or_default();
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }
}
