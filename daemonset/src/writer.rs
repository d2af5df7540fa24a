//! Carries out what is to be written: to the API server, or to standard output.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::event::From;
use crate::kube::{Client, Error};
use crate::log::chain;
use crate::publisher::{Call, Failure, Lane, Outcome};
use crate::request::{self, Request, Response};
use crate::{clock, text};

/// Where writes go.
#[derive(Debug)]
pub enum To {
    /// To the API server.
    Server(Box<Client>),
    /// To standard output, as YAML documents, each with the request as a comment above it.
    Print,
}

/// Carries out calls for one node.
#[derive(Debug)]
pub struct Writer {
    node: String,
    /// `reportingInstance` of events.
    instance: String,
    to: To,
    /// What was logged last of each lane: a failure is told once, not with every try.
    told: [Option<String>; 4],
}

impl Writer {
    /// For this node; `instance` is the pod's name, or the node's.
    pub fn new(node: String, instance: String, to: To) -> Self {
        Self { node, instance, to, told: Default::default() }
    }

    /// Carries out one call. `uid` is the node object's, where it is known.
    pub async fn write(&mut self, call: &Call, uid: Option<&str>) -> Outcome {
        let answer = if let Call::Taint(value) = call {
            let node = self.node.clone();
            self.taint(&node, value.as_deref()).await
        } else {
            let request = self.request(call, uid);
            self.send(&request).await
        };
        let outcome = match &answer {
            Ok(response) => request::outcome(call, response),
            Err(_) => Outcome::Failed(Failure::Away { asked: None }),
        };
        self.log(call.lane(), &answer, &outcome);
        outcome
    }

    /// Takes all that is ours off a node: conditions, labels, the taint, events. Says what could not be.
    pub async fn clean(&mut self, node: &str) -> Vec<String> {
        let mut trouble = Vec::new();
        let status = self.send(&request::status(node, &[])).await;
        let uid = status.as_ref().ok().and_then(|r| r.body["metadata"]["uid"].as_str().map(str::to_owned));
        trouble.extend(refusal(node, "conditions", &status));
        // A node that is gone has nothing of ours, and is not made anew by an apply to it.
        if uid.is_some() || matches!(self.to, To::Print) {
            let labels = self.send(&request::labels(node, &json!({}), uid.as_deref())).await;
            trouble.extend(refusal(node, "labels", &labels));
            let taint = self.taint(node, None).await;
            trouble.extend(refusal(node, "taint", &taint));
        }
        let events = self.send(&request::delete_events(node)).await;
        trouble.extend(refusal(node, "events", &events));
        trouble
    }

    /// The same for every node of the cluster that this program has written to.
    pub async fn clean_all(&mut self) -> Vec<String> {
        let mut trouble = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.send(&request::list_nodes(after.as_deref())).await;
            trouble.extend(refusal("all", "list of nodes", &page));
            let Ok(page) = page else { return trouble };
            let nodes = page.body["items"].as_array().into_iter().flatten();
            for node in nodes.filter(|node| request::is_ours(node)) {
                if let Some(name) = node["metadata"]["name"].as_str() {
                    trouble.extend(self.clean(name).await);
                }
            }
            match page.body["metadata"]["continue"].as_str().filter(|rest| !rest.is_empty()) {
                Some(rest) => after = Some(rest.to_owned()),
                None => return trouble,
            }
        }
    }

    fn request(&self, call: &Call, uid: Option<&str>) -> Request {
        let from = From { node: &self.node, uid, instance: &self.instance };
        match call {
            Call::Status(conditions) => {
                let now = clock::now().unix_ms;
                let all: Vec<_> = conditions.iter().map(|condition| condition.json(now)).collect();
                request::status(&self.node, &all)
            }
            Call::Labels { labels, uid } => request::labels(&self.node, &json!(labels), uid.as_deref()),
            Call::Event(write) => request::event(write, &from),
            Call::Taint(_) => request::get_node(&self.node),
        }
    }

    /// The taint alone needs a look at what is there.
    async fn taint(&mut self, node: &str, value: Option<&str>) -> Result<Response, Error> {
        let there = self.send(&request::get_node(node)).await?;
        if there.status != 200 {
            return Ok(there);
        }
        match request::taint(node, &there.body, value) {
            Some(request) => self.send(&request).await,
            None => Ok(there),
        }
    }

    async fn send(&mut self, request: &Request) -> Result<Response, Error> {
        match &mut self.to {
            To::Server(client) => client.send(request).await,
            To::Print => {
                print(request);
                let body = if request.method == "GET" { json!({}) } else { Value::Null };
                Ok(Response { status: 200, body, ..Response::default() })
            }
        }
    }

    fn log(&mut self, lane: Lane, answer: &Result<Response, Error>, outcome: &Outcome) {
        let trouble = match (outcome, answer) {
            (Outcome::Done(_) | Outcome::Failed(Failure::Event(_)), _) => None,
            (_, Err(error)) => Some(chain(error)),
            (_, Ok(response)) => Some(words(response)),
        };
        let told = &mut self.told[lane as usize];
        if *told == trouble {
            return;
        }
        if let Some(trouble) = &trouble {
            tracing::warn!(node = self.node, write = lane.word(), "not written: {trouble}; trying again");
        } else {
            tracing::info!(node = self.node, write = lane.word(), "written again");
        }
        *told = trouble;
    }
}

fn refusal(node: &str, what: &str, answer: &Result<Response, Error>) -> Option<String> {
    match answer {
        Ok(response) if matches!(response.status, 200..=299 | 404) => None,
        Ok(response) => Some(format!("{node}: {what}: {}", words(response))),
        Err(error) => Some(format!("{node}: {what}: {}", chain(error))),
    }
}

/// What an answer that is no success says.
fn words(response: &Response) -> String {
    let message = response.body["message"].as_str().unwrap_or_default();
    format!("status {}: {}", response.status, text::cut(message, text::MESSAGE))
}

fn print(request: &Request) {
    let mut text = format!("---\n# {} {}\n", request.method, request.path);
    if !request.body.is_null() {
        text = format!("{text}# Content-Type: {}\n{:#}\n", request.content_type, request.body);
    }
    // A reader that is gone does not want to know.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
