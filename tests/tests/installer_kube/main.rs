//! The installer against a real API server, found and entered as an EKS cluster is, beside an emulator of AWS. There is
//! one API server for all tests, and they take turns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

mod charts;
mod daemonset;
mod doctor;
mod dra;
mod every_write;
mod hardware;
mod inside;
mod joined;
mod karpenter;
mod karpenter_chart;
mod karpenter_image;
mod kills;
mod node;
mod objects;
mod scripts;
mod stand_ins;
mod trouble;
mod waits;
