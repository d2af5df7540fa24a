//! `installer`: the cluster side of gpunode. It reads and checks its settings, writes what a cluster needs as files, and
//! brings the AWS side of a cluster to what the settings say.

pub mod aws;
pub mod carry_out;
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
pub mod things;
pub mod user_data;
