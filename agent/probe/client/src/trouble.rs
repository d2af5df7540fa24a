//! What can be wrong with the probe itself.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use gpunode_probe_protocol::library::Unusable;

/// Why there is no answer, or not a whole one. Each is a finding of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A library call, or the probe as a whole, did not come back in time. The process was killed.
    #[error("{}{}{}", .call.as_deref().unwrap_or("the probe"), of(.gpu.as_deref()), hangs(.call.is_some(), *.waited))]
    Hung {
        /// The library's name of the call; `None` when the probe said nothing at all (it was frozen as a whole, or
        /// could not even be started in time).
        call: Option<String>,
        /// The GPU the call is about, where it is about one: its PCI address, or its index where that is not known.
        gpu: Option<String>,
        /// When the call, or the wait, began.
        since: SystemTime,
        /// How long it had lasted when it was given up.
        waited: Duration,
    },
    /// It did not come back in time, since the machine had no processor for it: nothing is known of the library or the
    /// driver, good or bad.
    #[error("the machine is busy: the probe had no processor for most of {:.1} s", .waited.as_secs_f64())]
    Starved {
        /// How long it was waited for.
        waited: Duration,
        /// The probe itself answered, and goes on: it was not killed.
        lives: bool,
    },
    /// The probe ended by itself.
    #[error("the probe {end}{}", tail(.said))]
    Crashed {
        /// How.
        end: End,
        /// The last of what it wrote to standard error.
        said: String,
    },
    /// The loader does not find the library.
    #[error("the library is not installed: {message}")]
    NotInstalled {
        /// What the loader said.
        message: String,
    },
    /// The library was found but cannot be loaded, or lacks what every supported version has.
    #[error("the library cannot be used: {message}")]
    WrongLibrary {
        /// What is missing, or what the loader said.
        message: String,
    },
    /// The library's start failed.
    #[error("the library does not start: {message} (code {code})")]
    LibraryStart {
        /// `nvmlReturn_t`, or a negative `FI_E…` number.
        code: i32,
        /// The library's own words.
        message: String,
    },
    /// What came from the probe is not what the protocol says. The process was killed.
    #[error("the probe spoke garbage: {what}")]
    Garbage {
        /// What was wrong with it.
        what: String,
    },
    /// Another version of the probe was started.
    #[error("the probe {version} speaks protocol {theirs}, not {ours}")]
    WrongProtocol {
        /// Ours.
        ours: u16,
        /// The probe's.
        theirs: u16,
        /// The probe's own version.
        version: String,
    },
    /// The process could not be started.
    #[error("the probe cannot be started: {message}")]
    NotStarted {
        /// The call that failed, and why.
        message: String,
    },
    /// It failed a moment ago and is not started again yet.
    #[error("{after} (next try in {} s)", .until.saturating_duration_since(Instant::now()).as_secs())]
    BackingOff {
        /// When it may be started again.
        until: Instant,
        /// What was wrong.
        after: Box<Trouble>,
    },
    /// So many killed processes have not ended that none is started any more until one of them ends.
    #[error("{count} killed probes are stuck in the kernel; none is started any more{}", last(.after.as_deref()))]
    TooManyAbandoned {
        /// How many.
        count: usize,
        /// What was wrong last.
        after: Option<Box<Trouble>>,
    },
}

impl Trouble {
    /// What is wrong beneath pauses and limits: itself for all others.
    pub fn root(&self) -> &Trouble {
        match self {
            Self::BackingOff { after, .. } | Self::TooManyAbandoned { after: Some(after), .. } => {
                after.root()
            }
            other => other,
        }
    }

    /// Whether something did not come back in time.
    pub fn is_hung(&self) -> bool {
        matches!(self.root(), Self::Hung { .. })
    }

    /// Whether the probe ran well and it is the library that cannot be used.
    pub fn is_the_library(&self) -> bool {
        matches!(self, Self::NotInstalled { .. } | Self::WrongLibrary { .. } | Self::LibraryStart { .. })
    }
}

impl From<Unusable> for Trouble {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::NotInstalled { message } => Self::NotInstalled { message },
            Unusable::WrongLibrary { message } => Self::WrongLibrary { message },
            Unusable::Start { code, message } => Self::LibraryStart { code, message },
            Unusable::Stuck { call, for_ms } => {
                let waited = Duration::from_millis(for_ms.into());
                let since = SystemTime::now().checked_sub(waited).unwrap_or(SystemTime::UNIX_EPOCH);
                Self::Hung { call: Some(call), gpu: None, since, waited }
            }
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It closed its socket, and a moment later was not yet gone.
    Unknown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => match nix::sys::signal::Signal::try_from(*signal) {
                Ok(name) => write!(f, "was ended by {name}"),
                Err(_) => write!(f, "was ended by signal {signal}"),
            },
            Self::Unknown => f.write_str("closed its socket"),
        }
    }
}

fn of(gpu: Option<&str>) -> String {
    gpu.map_or_else(String::new, |gpu| format!(" on {gpu}"))
}

fn hangs(named: bool, waited: Duration) -> String {
    let seconds = waited.as_secs_f64();
    if named {
        format!(" did not return within {seconds:.1} s")
    } else {
        format!(" was silent for {seconds:.1} s")
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(2)..].join("; ");
    if last.is_empty() { last } else { format!(": {last}") }
}

fn last(after: Option<&Trouble>) -> String {
    after.map_or_else(String::new, |trouble| format!("; last: {trouble}"))
}
