//! What is in the machine: one row a GPU, an EFA interface, a disk.

use gpunode_host::count;
use gpunode_host::health::report::{Efa, Gpu, GpuState, Report};

use super::head;
use super::paint::{Paint, Style, clean};
use super::table::{Cell, Heading, lines};
use super::units::{bytes, decimal_bytes};

/// The columns of the CSV. Columns are added at the end only.
const COLUMNS: [&str; 16] = [
    "type",
    "name",
    "pci",
    "model",
    "serial",
    "uuid",
    "bytes",
    "mig",
    "driver",
    "firmware",
    "eni",
    "mac",
    "network_card",
    "gbps",
    "numa_node",
    "state",
];

const TABLE: &[Heading] = &[
    ("type", false),
    ("name", false),
    ("PCI address", false),
    ("model", false),
    ("memory or size", true),
    ("MIG", false),
    ("driver", false),
    ("serial or ENI", false),
    ("card", true),
    ("Gbit/s", true),
    ("NUMA", true),
    ("state", false),
];

/// One device. Fields are in the order of [`COLUMNS`]; what does not apply is empty.
struct Row {
    fields: [String; COLUMNS.len()],
    /// Bytes, for people.
    size: String,
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A word as the document has it.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn gpu(gpu: &Gpu, report: &Report) -> Row {
    let mig =
        gpu.mig.as_ref().map(|mig| if mig.enabled { mig.instances.to_string() } else { "off".to_owned() });
    let version =
        report.versions.nvidia_driver.as_deref().filter(|_| gpu.driver.as_deref() == Some("nvidia"));
    let driver = [gpu.driver.as_deref(), version].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Row {
        size: text(gpu.memory_total.map(bytes)),
        fields: [
            "gpu".to_owned(),
            text(gpu.index),
            text(gpu.pci.as_deref()),
            text(gpu.product.as_deref()),
            text(gpu.serial.as_deref()),
            text(gpu.uuid.as_deref()),
            text(gpu.memory_total),
            text(mig),
            driver,
            text(gpu.vbios.as_deref()),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            text(gpu.numa_node),
            word(gpu.state),
        ],
    }
}

fn efa(efa: &Efa) -> Row {
    let driver = [efa.driver.as_deref(), efa.driver_version.as_deref()];
    let kind = efa.kind.map(word).unwrap_or_default();
    Row {
        size: String::new(),
        fields: [
            "efa".to_owned(),
            text(efa.device.as_deref()),
            text(efa.pci.as_deref()),
            kind,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            driver.into_iter().flatten().collect::<Vec<_>>().join(" "),
            text(efa.firmware.as_deref()),
            text(efa.eni.as_deref()),
            text(efa.mac.as_deref()),
            text(efa.network_card),
            text(efa.rate_gbps),
            text(efa.numa_node),
            word(efa.state),
        ],
    }
}

fn rows(report: &Report) -> Vec<Row> {
    let gpus = report.gpus.iter().map(|one| gpu(one, report));
    let disks = report.disks.iter().map(|disk| {
        let mut fields: [String; COLUMNS.len()] = Default::default();
        "disk".clone_into(&mut fields[0]);
        fields[1].clone_from(&disk.name);
        fields[3].clone_from(&disk.model);
        fields[4] = text(disk.volume_id.as_deref().or(disk.serial.as_deref()));
        fields[6] = disk.size.to_string();
        fields[15] = if disk.mounted.is_empty() { "not mounted".to_owned() } else { disk.mounted.join(" ") };
        Row { fields, size: decimal_bytes(disk.size) }
    });
    gpus.chain(report.efa.iter().map(efa)).chain(disks).collect()
}

/// Comma-separated values with a heading, by RFC 4180 but for line ends, which are Unix's.
pub(crate) fn csv(report: &Report) -> String {
    let heading = COLUMNS.join(",");
    let rows = rows(report);
    let line = |row: &Row| row.fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",");
    std::iter::once(heading).chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}

/// Without control characters, which a device may say and a terminal would obey.
fn quoted(field: &str) -> String {
    let field = clean(field);
    if field.contains([',', '"']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field
}

/// For people, with a summary.
pub(crate) fn table(report: &Report, paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = rows(report)
        .iter()
        .map(|row| {
            let field = |at: usize| Cell::new(&row.fields[at]);
            let serial = if row.fields[4].is_empty() { field(10) } else { field(4) };
            let size = Cell::new(&row.size);
            [0, 1, 2, 3]
                .map(field)
                .into_iter()
                .chain([size, field(7), field(8), serial])
                .chain([12, 13, 14, 15].map(field))
                .collect()
        })
        .collect();
    let mut all = vec![paint.text(Style::Bold, &head::machine(&report.instance))];
    if !rows.is_empty() {
        all.extend(lines(TABLE, &rows, paint));
    }
    all.push(summary(report));
    all.join("\n")
}

/// `8 GPUs (8 × NVIDIA H100 80GB HBM3, 637 GiB), 32 EFA, 9 disks (30.9 TB)`
fn summary(report: &Report) -> String {
    let mut models: Vec<(&str, usize)> = Vec::new();
    for gpu in &report.gpus {
        let name = gpu.product.as_deref().unwrap_or("of unknown model");
        match models.iter_mut().find(|(known, _)| *known == name) {
            Some(model) => model.1 += 1,
            None => models.push((name, 1)),
        }
    }
    let mut inside: Vec<_> = models.iter().map(|(name, count)| format!("{count} × {name}")).collect();
    let memory = report.gpus.iter().filter_map(|gpu| gpu.memory_total).fold(0, u64::saturating_add);
    if memory > 0 {
        inside.push(bytes(memory));
    }
    let silent = report.gpus.iter().filter(|gpu| gpu.state != GpuState::Read).count();
    if silent > 0 {
        inside.push(format!("{silent} not read"));
    }
    let size = report.disks.iter().map(|disk| disk.size).fold(0, u64::saturating_add);
    let within =
        |parts: &[String]| if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    let disks = if size > 0 { within(&[decimal_bytes(size)]) } else { String::new() };
    super::clean(&format!(
        "{}{}, {} EFA, {}{disks}",
        count(report.gpus.len(), "GPU"),
        within(&inside),
        report.efa.len(),
        count(report.disks.len(), "disk"),
    ))
}
