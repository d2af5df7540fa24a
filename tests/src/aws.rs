//! An emulator of AWS and a second one, a proxy before it that fails in every way in which AWS fails its clients, and the installer run
//! against both.

mod bed;
mod call;
mod cli;
mod emulator;
mod inventory;
mod killed;
mod moto;
mod proxy;

pub use bed::{ALL, Bed, Told};
pub use call::Call;
pub use cli::command;
pub use inventory::Inventory;
pub use killed::Victim;
pub use moto::Moto;
pub use proxy::{Fault, Proxy};
