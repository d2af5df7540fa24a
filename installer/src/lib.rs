//! `installer`: the cluster side of gpunode. It reads and checks its settings and writes what a cluster needs as
//! files; it does not talk to AWS yet.

pub mod cli;
pub mod desired;
pub mod dotenv;
pub mod environment;
pub mod exit;
pub mod launch_template;
pub mod layout;
pub mod policies;
pub mod render;
pub mod settings;
pub mod user_data;
