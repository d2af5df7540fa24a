//! The client: one object to ask, safe to share between tasks.

use std::sync::Arc;

use reqwest::{StatusCode, Url};

use crate::budget::Budget;
use crate::exchange::{exchange, http_client};
use crate::reader::{Reader, Reading};
use crate::token::{TOKEN_HEADER, Tokens};
use crate::tries::Tries;
use crate::{Error, Settings, path};

/// Bytes allowed for anything but user data. The longest answer, the identity document, has about 500.
const LEAF_LIMIT: usize = 64 * 1024;

/// EC2 stores at most 16 KiB of user data; more may come from other services with the same interface.
const USER_DATA_LIMIT: usize = 256 * 1024;

/// A client for IMDS version 2. Clones share their token and connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    base: Url,
    http: reqwest::Client,
    tokens: Tokens,
}

impl Client {
    /// Checks the settings; sends nothing yet.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let endpoint = settings.checked_endpoint()?;
        let settings = settings.with_room_for_a_second_try();
        let http = http_client(&settings).map_err(Error::Http)?;
        let mut base = endpoint;
        base.set_path("/latest/");
        let mut token_url = base.clone();
        token_url.set_path("/latest/api/token");
        Ok(Self { inner: Arc::new(Inner { settings, base, http, tokens: Tokens::new(token_url) }) })
    }

    /// The answer at a path below `/latest/`, for example `meta-data/instance-id`; `None` where there is none.
    /// Ends by the deadline in the settings; the answer may have up to 64 KiB.
    pub async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.get_within(path, LEAF_LIMIT, self.budget()).await
    }

    /// Everything the agent wants to know of this instance, under one deadline; an error where not even its id, type
    /// and zone are to be had.
    pub async fn metadata(&self) -> Result<Reading, Error> {
        Reader::new(self.clone(), self.budget()).all().await
    }

    /// The user data, up to 256 KiB, as it was given at launch (it may be compressed); `None` where there is none.
    pub async fn user_data(&self) -> Result<Option<Vec<u8>>, Error> {
        self.user_data_within(self.budget()).await
    }

    async fn user_data_within(&self, budget: Budget) -> Result<Option<Vec<u8>>, Error> {
        self.get_within("user-data", USER_DATA_LIMIT, budget).await
    }

    fn budget(&self) -> Budget {
        Budget::new(self.inner.settings.deadline)
    }

    /// The URL of a path, for requests and for errors about their answers.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        path::check(path)?;
        let mut url = self.inner.base.clone();
        url.set_path(&format!("/latest/{path}"));
        Ok(url)
    }

    pub(crate) async fn get_leaf(&self, path: &str, budget: Budget) -> Result<Option<Vec<u8>>, Error> {
        self.get_within(path, LEAF_LIMIT, budget).await
    }

    async fn get_within(&self, path: &str, limit: usize, budget: Budget) -> Result<Option<Vec<u8>>, Error> {
        let Inner { settings, http, tokens, .. } = &*self.inner;
        let url = self.url(path)?;
        let mut tries = Tries::new("GET", &url, budget, settings);
        let mut refused = None;
        loop {
            let token = tokens.get(http, budget, settings, refused.as_ref()).await?;
            let time = tries.begin()?;
            let request = http.get(url.clone()).header(TOKEN_HEADER, token.value.clone());
            let answer = match exchange(request, limit, time, settings).await {
                Ok(answer) => answer,
                Err(failure) => {
                    tries.again(failure).await?;
                    continue;
                }
            };
            match answer.status {
                StatusCode::OK => {
                    return answer
                        .body
                        .map(Some)
                        .ok_or_else(|| Error::TooLarge { url: url.to_string(), limit });
                }
                StatusCode::NOT_FOUND => return Ok(None),
                // The token ran out on the way, or the instance was stopped and started: once, a new one helps.
                StatusCode::UNAUTHORIZED if refused.is_none() => refused = Some(token),
                StatusCode::UNAUTHORIZED => return Err(tries.unauthorized()),
                status => tries.refused(status).await?,
            }
        }
    }
}

/// All that is asked at boot.
#[derive(Debug)]
pub struct Fetched {
    /// What this instance is.
    pub reading: Reading,
    /// The user data; `None` where there is none.
    pub user_data: Result<Option<Vec<u8>>, Error>,
}

/// Metadata and user data under one deadline, for a thread without an async runtime of its own. What a boot cannot do
/// without is asked first, so that a slow service costs the rest: the identity, then the user data.
pub fn fetch_blocking(settings: Settings) -> Result<Fetched, Error> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(Error::Runtime("it runs one already; use `Client` there".to_owned()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Runtime(error.to_string()))?;
    let client = Client::new(settings)?;
    runtime.block_on(async {
        let budget = client.budget();
        let reader = Reader::new(client.clone(), budget);
        let identity = reader.identity().await?;
        let user_data = client.user_data_within(budget).await;
        Ok(Fetched { reading: reader.rest(identity).await, user_data })
    })
}
