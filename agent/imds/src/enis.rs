//! The network interfaces, several read at a time: a p5.48xlarge has 33 of them.

use gpunode_host::metadata::Eni;
use tokio::task::JoinSet;

use crate::Error;
use crate::leaf;
use crate::reader::Reader;

const MACS: &str = "meta-data/network/interfaces/macs/";

/// Interfaces read at the same time. IMDS, DNS and NTP share 1024 packets per second and interface, so that
/// more would be throttled instead of faster.
const PARALLEL: usize = 8;

/// All interfaces of which enough could be read, by network card, then device index.
pub(crate) async fn read(reader: &Reader) -> Vec<Eni> {
    let names = reader.lines(MACS).await.and_then(|names| names.ok_or_else(|| reader.missing(MACS)));
    let mut waiting = names.unwrap_or_else(|error| reader.gap(error)).into_iter();
    let mut running = JoinSet::new();
    let mut enis = Vec::new();
    loop {
        while running.len() < PARALLEL
            && let Some(name) = waiting.next()
        {
            running.spawn(read_one(reader.clone(), name));
        }
        let Some(joined) = running.join_next().await else {
            break;
        };
        match joined.map_err(Error::Lost).and_then(|read| read) {
            Ok(eni) => enis.push(eni),
            Err(error) => reader.gap(error),
        }
    }
    enis.sort_by(|a, b| {
        (a.network_card, a.device_index, &a.mac).cmp(&(b.network_card, b.device_index, &b.mac))
    });
    enis
}

/// One interface. Without its id, its place (device and card) or its addresses it is none: a wrong place names the wrong
/// card, and one without addresses passes for EFA-only. Its listing comes first: what EFA-only interfaces lack (addresses) and what older platforms
/// lack (the card) is then not asked for, as the VPC CNI does it too.
async fn read_one(reader: Reader, name: String) -> Result<Eni, Error> {
    let listed = name.strip_suffix('/').unwrap_or(&name);
    let mac = reader.parsed(MACS, listed, leaf::mac)?;
    let folder = format!("{MACS}{listed}/");
    let leaves = reader.lines(&folder).await?.ok_or_else(|| reader.missing(&folder))?;
    let path_of = |leaf: &str| leaves.iter().any(|name| name == leaf).then(|| format!("{folder}{leaf}"));

    let device_path = format!("{folder}device-number");
    let device = reader.required_word(&device_path).await?;
    let id_path = format!("{folder}interface-id");
    let id = reader.required_word(&id_path).await?;
    // Documents and instances disagree about the name of this one.
    let card = match path_of("network-card").or_else(|| path_of("network-card-index")) {
        Some(path) => match reader.word(&path).await? {
            Some(card) => reader.parsed(&path, &card, leaf::index)?,
            None => 0,
        },
        None => 0,
    };
    Ok(Eni {
        mac,
        eni_id: reader.parsed(&id_path, &id, |id| leaf::id(id, "eni-", "an id like eni-…"))?,
        device_index: reader.parsed(&device_path, &device, leaf::index)?,
        network_card: card,
        subnet_id: subnet(&reader, &folder).await.unwrap_or_else(|error| reader.gap(error)),
        ipv4: addresses(&reader, path_of("local-ipv4s"), leaf::ipv4s).await?,
        ipv6: addresses(&reader, path_of("ipv6s"), leaf::ipv6s).await?,
    })
}

async fn subnet(reader: &Reader, folder: &str) -> Result<String, Error> {
    let path = format!("{folder}subnet-id");
    let subnet = reader.required_word(&path).await?;
    reader.parsed(&path, &subnet, |id| leaf::id(id, "subnet-", "an id like subnet-…"))
}

async fn addresses(
    reader: &Reader,
    path: Option<String>,
    parse: fn(Vec<String>) -> Result<Vec<String>, leaf::Expected>,
) -> Result<Vec<String>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let Some(lines) = reader.lines(&path).await? else {
        return Ok(Vec::new());
    };
    let joined = lines.join("\n");
    parse(lines).map_err(|expected| reader.bad(&path, joined.as_bytes(), expected))
}
