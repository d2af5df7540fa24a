//! How the probe is started and how patient its parent is.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// The probe that this program carries.
    #[default]
    Carried,
    /// A file: an ELF program (a script does not run: it is started by descriptor).
    File(PathBuf),
}

/// A delay that doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growing {
    /// The first delay.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

/// How the probe is started and how patient its parent is. The defaults are for a node in life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is run.
    pub program: Program,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The folder that becomes its root: inside a container the host's, so that the host's loader, driver library and
    /// libfabric are used. `None` leaves the root as it is, and needs no privilege.
    pub root: Option<PathBuf>,
    /// All of its environment: nothing is inherited, since a stray `LD_PRELOAD` or `FI_PROVIDER` would change what the
    /// libraries see. For [`crate::Probe::interfaces`] some variables are added (see there); these here win.
    pub environment: Vec<(OsString, OsString)>,
    /// Its niceness, from -20 (most urgent) to 19; 0 leaves it as its parent's.
    pub nice: i32,
    /// How long a start may take until the probe says hello. A sick file system can hold up the loader.
    pub start_deadline: Duration,
    /// Pauses between starts that came to nothing.
    pub back_off: Growing,
    /// Pauses between looks at a GPU on which a call hung.
    pub look_again: Growing,
    /// How many killed processes that do not end are put up with. From then on none is started any more: each holds
    /// memory, and the driver that holds it will hold the next one too.
    pub abandoned: usize,
    /// Where the probe is written when it cannot be run from memory (`vm.memfd_noexec` = 2, or a security module).
    pub folder: PathBuf,
    /// Whether libfabric may look for GPUs (`FI_HMEM`). It does so through CUDA's library, which opens every GPU and
    /// hangs with a sick one, so only do this after a sweep without trouble. Without, `hmem` is not known.
    pub gpu_memory: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            program: Program::Carried,
            arguments: Vec::new(),
            root: None,
            environment: Vec::new(),
            nice: 0,
            start_deadline: Duration::from_secs(5),
            back_off: Growing { first: Duration::from_secs(1), most: Duration::from_secs(300) },
            look_again: Growing { first: Duration::from_secs(60), most: Duration::from_secs(1800) },
            abandoned: 4,
            folder: PathBuf::from("/run"),
            gpu_memory: false,
        }
    }
}

impl Growing {
    /// The pause after the `failures`-th failure in a row. `chance` (any number) spreads it over 75 to 125 %, so that
    /// a fleet that was hit at once does not come back at once.
    pub(crate) fn pause(self, failures: u32, chance: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let pause = self.first.saturating_mul(1 << doublings).min(self.most);
        // 0 to 500 thousandths, from three quarters on.
        let thousandths = 750 + u32::try_from(chance % 501).unwrap_or(250);
        pause.saturating_mul(thousandths) / 1000
    }
}

/// A number that differs from call to call.
pub(crate) fn chance() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GROWING: Growing = Growing { first: Duration::from_secs(1), most: Duration::from_secs(300) };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<_> = (1..=11).map(|failures| GROWING.pause(failures, 250).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    proptest! {
        #[test]
        fn a_pause_is_never_nothing_and_never_far_above_the_longest(failures in any::<u32>(), chance in any::<u64>()) {
            let pause = GROWING.pause(failures, chance);
            prop_assert!(pause >= GROWING.first * 3 / 4 && pause <= GROWING.most * 5 / 4);
        }
    }
}
