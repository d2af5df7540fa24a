//! The counters of an EFA device, and the difference between two readings of them.
//!
//! Source of the names and their meaning: the driver's `efa_verbs.c`. A counter that is not there belongs to a newer
//! driver; one that is there and never moves says no trouble, or a card too old to count it (the five counters of
//! retransmission and remote trouble came with driver 2.17 and need Nitro v4).

mod delta;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

pub use delta::{Change, Delta};

/// Where a counter is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the driver's memory: reading costs nothing and works when the card is dead. Below `hw_counters` of the
    /// device since driver 1.14, with the port's before that.
    Device,
    /// In the card: reading one asks the card for all of them in four or five admin commands.
    Port,
}

macro_rules! counters {
    ($($variant:ident $name:literal $scope:ident $doc:literal)*) => {
        /// A counter by name. All count up from the driver's load.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Counter { $(#[doc = $doc] $variant),* }

        impl Counter {
            /// Every counter.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name of its file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Where it is kept.
            pub fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope),* }
            }

            /// The counter whose file has this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

counters! {
    SubmittedCmds "submitted_cmds" Device "Admin commands sent to the card; reading the port's counters moves it."
    CompletedCmds "completed_cmds" Device "Admin commands the card answered."
    CmdsErr "cmds_err" Device "Admin commands the card answered with an error; a program's mistakes count too."
    NoCompletionCmds "no_completion_cmds" Device "Admin commands the card never answered; the queue is closed then."
    KeepAliveRcvd "keep_alive_rcvd" Device "Signs of life from the card; the driver does not watch them."
    AllocPdErr "alloc_pd_err" Device "Failed allocations of a protection domain."
    CreateQpErr "create_qp_err" Device "Failed creations of a queue pair."
    CreateCqErr "create_cq_err" Device "Failed creations of a completion queue."
    RegMrErr "reg_mr_err" Device "Failed registrations of memory."
    AllocUcontextErr "alloc_ucontext_err" Device "Failed openings of the device."
    CreateAhErr "create_ah_err" Device "Failed creations of an address handle."
    MmapErr "mmap_err" Device "Failed mappings of the device's memory."
    AllocMrErr "alloc_mr_err" Device "Failed allocations of a memory region by the kernel (driver 3)."
    GetDmaMrErr "get_dma_mr_err" Device "Failed DMA regions of the kernel (driver 3)."
    TxBytes "tx_bytes" Port "Bytes sent."
    TxPkts "tx_pkts" Port "Packets sent."
    RxBytes "rx_bytes" Port "Bytes received."
    RxPkts "rx_pkts" Port "Packets received."
    RxDrops "rx_drops" Port "Packets received and dropped: no buffer, or a failed check."
    SendBytes "send_bytes" Port "Bytes of send work requests."
    SendWrs "send_wrs" Port "Send work requests."
    RecvBytes "recv_bytes" Port "Bytes of receive work requests."
    RecvWrs "recv_wrs" Port "Receive work requests."
    RdmaReadWrs "rdma_read_wrs" Port "RDMA reads asked for."
    RdmaReadBytes "rdma_read_bytes" Port "Bytes of RDMA reads asked for."
    RdmaReadWrErr "rdma_read_wr_err" Port "RDMA reads that failed."
    RdmaReadRespBytes "rdma_read_resp_bytes" Port "Bytes sent in answer to RDMA reads."
    RdmaWriteWrs "rdma_write_wrs" Port "RDMA writes (driver 2.5; 0 where the card cannot)."
    RdmaWriteBytes "rdma_write_bytes" Port "Bytes of RDMA writes."
    RdmaWriteWrErr "rdma_write_wr_err" Port "RDMA writes that failed."
    RdmaWriteRecvBytes "rdma_write_recv_bytes" Port "Bytes that others wrote here."
    RetransBytes "retrans_bytes" Port "Bytes sent again."
    RetransPkts "retrans_pkts" Port "Packets sent again."
    RetransTimeoutEvents "retrans_timeout_events" Port "Timeouts after which another network path was taken."
    UnresponsiveRemoteEvents "unresponsive_remote_events" Port "Connections whose remote side did not answer."
    ImpairedRemoteConnEvents "impaired_remote_conn_events" Port "Connections slowed down as impaired."
}

impl Counter {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();
}

/// Files with names that are not in the table are kept up to this many: a newer driver's.
pub const MAX_EXTRA: usize = 16;

/// One reading. Serialized as a map from file name to value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, u64>")]
pub struct Counters {
    /// Bit n is set where counter n was read.
    present: u64,
    values: [u64; Counter::COUNT],
    extra: Vec<(String, u64)>,
}

impl Counters {
    /// The value, where it was read.
    pub fn get(&self, counter: Counter) -> Option<u64> {
        (self.present & Self::bit(counter) != 0).then(|| self.values[counter as usize])
    }

    /// Sets a value.
    pub fn set(&mut self, counter: Counter, value: u64) {
        self.present |= Self::bit(counter);
        self.values[counter as usize] = value;
    }

    /// Sets the value of the file `name`; one that is not in the table goes to the side list while there is room.
    pub fn set_by_name(&mut self, name: &str, value: u64) {
        if let Some(counter) = Counter::from_name(name) {
            self.set(counter, value);
        } else if let Some(known) = self.extra.iter_mut().find(|(known, _)| known == name) {
            known.1 = value;
        } else if self.extra.len() < MAX_EXTRA {
            self.extra.push((name.to_owned(), value));
        }
    }

    /// Forgets everything, and keeps its memory.
    pub fn clear(&mut self) {
        self.present = 0;
        self.values = [0; Counter::COUNT];
        self.extra.clear();
    }

    /// What was read, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, u64)> {
        Counter::ALL.iter().filter_map(|counter| Some((*counter, self.get(*counter)?)))
    }

    /// Counters that are not in the table, by file name; [`MAX_EXTRA`] at most.
    pub fn extra(&self) -> &[(String, u64)] {
        &self.extra
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.present == 0 && self.extra.is_empty()
    }

    fn bit(counter: Counter) -> u64 {
        const { assert!(Counter::COUNT <= 64, "the mask is too small") };
        1 << (counter as u32)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self { present: 0, values: [0; Counter::COUNT], extra: Vec::new() }
    }
}

impl From<BTreeMap<String, u64>> for Counters {
    fn from(map: BTreeMap<String, u64>) -> Self {
        let mut counters = Self::default();
        for (name, value) in &map {
            counters.set_by_name(name, *value);
        }
        counters
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.iter().map(|(counter, value)| (counter.name(), value));
        serializer.collect_map(known.chain(self.extra.iter().map(|(name, value)| (name.as_str(), *value))))
    }
}

/// A counter as sysfs writes it: decimal digits and a line end. `None` for anything else, also for a number that is
/// too large.
pub fn parse(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
