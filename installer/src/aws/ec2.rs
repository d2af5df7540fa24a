//! A client of EC2's Query API. The SDK's has some 700 operations and takes minutes to compile; these are a dozen.

mod form;
mod xml;

use std::sync::Arc;

use aws_config::SdkConfig;

use super::query::{Query, Service};
use super::{Failure, Meaning, Recorder};

pub use form::Form;
pub use xml::{Element, XmlError};

/// Pages of one list that are asked for.
const MOST_PAGES: usize = 50;

/// The client.
#[derive(Clone, Debug)]
pub struct Ec2(Query);

impl Ec2 {
    pub(super) fn new(shared: &Arc<SdkConfig>, recorder: Recorder) -> Self {
        Self(Query::new(Service { name: "EC2", endpoint: "EC2" }, shared, recorder))
    }

    /// Makes a call.
    pub async fn call(&self, form: Form) -> Result<Element, Failure> {
        self.0.call(form).await
    }

    /// Makes a call that lists, as often as there are pages, and returns the items of all under `list`.
    pub async fn list(&self, form: Form, list: &str) -> Result<Vec<Element>, Failure> {
        let call = form.call;
        let mut items = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = next.iter().fold(form.clone(), |form, token: &String| form.with("NextToken", token));
            let answer = self.call(page).await?;
            items.extend(answer.items(list).cloned());
            let token = answer.text("nextToken").to_owned();
            if token.is_empty() {
                return Ok(items);
            }
            // One that comes again would bring the same page.
            if next.as_ref() == Some(&token) {
                break;
            }
            next = Some(token);
        }
        let what = format!("a list without an end: {} items so far", items.len());
        Err(Failure { call, meaning: Meaning::Never, what })
    }

    /// The first of a list that is asked for by an id; `None` also where EC2 says that there is none of that id.
    pub async fn if_there(&self, form: Form, list: &str) -> Result<Option<Element>, Failure> {
        match self.list(form, list).await {
            Ok(found) => Ok(found.into_iter().next()),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
