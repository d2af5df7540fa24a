//! `installer`: the cluster side of gpunode. It reads and checks its settings, writes what a cluster needs as files, and
//! brings a cluster, on the side of AWS and inside, to what the settings say.

pub mod aws;
pub mod carry_out;
pub mod cli;
mod daemonset;
pub mod desired;
pub mod devices;
pub mod doctor;
pub mod dotenv;
pub mod environment;
pub mod exit;
pub mod gpu;
pub mod helm;
pub mod kube;
pub mod launch_template;
pub mod layout;
pub mod policies;
pub mod probe;
pub mod process;
pub mod render;
pub mod s3;
pub mod settings;
pub mod things;
pub mod user_data;
