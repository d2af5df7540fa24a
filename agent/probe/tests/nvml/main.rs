//! The probe with a fake NVML, as a program that is started, asked and killed.

mod events;
mod faults;
#[cfg(test)]
mod hang;
mod healthy;
mod limits;
#[cfg(test)]
mod linkage;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod trouble;
