//! Who this instance is: the identity document, and what it leaves out.

use gpunode_host::metadata::Identity;
use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::leaf::{self, Expected};
use crate::reader::Reader;

const DOCUMENT: &str = "dynamic/instance-identity/document";

/// The members of the document without which nobody knows what this machine is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Essential {
    instance_id: String,
    instance_type: String,
    availability_zone: String,
}

/// Reads the document; what else it should hold, and what stands elsewhere, may be missing.
pub(crate) async fn read(reader: &Reader) -> Result<Identity, Error> {
    let bytes = reader.bytes(DOCUMENT).await?.ok_or_else(|| reader.missing(DOCUMENT))?;
    let unreadable = |source| Error::Document { url: reader.url(DOCUMENT), source };
    let essential: Essential = serde_json::from_slice(&bytes).map_err(unreadable)?;
    essential.check().map_err(|(value, expected)| reader.bad(DOCUMENT, value.as_bytes(), expected))?;
    let document: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let member = |name, fits: fn(&str) -> bool, expected| {
        let value = &document[name];
        let text = value.as_str().filter(|text| fits(text)).map(str::to_owned);
        text.or_else(|| reader.gap(reader.bad(DOCUMENT, value.to_string().as_bytes(), expected)))
    };
    let is_ip = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    Ok(Identity {
        instance_id: essential.instance_id,
        instance_type: essential.instance_type,
        image_id: member("imageId", is_word, "an image id in `imageId`").unwrap_or_default(),
        region: member("region", is_word, "a region in `region`").unwrap_or_default(),
        availability_zone: essential.availability_zone,
        availability_zone_id: reader.optional_word("meta-data/placement/availability-zone-id").await,
        account_id: member("accountId", is_account, "twelve digits in `accountId`").unwrap_or_default(),
        architecture: member("architecture", is_word, "an architecture in `architecture`")
            .unwrap_or_default(),
        // In an IPv6-only subnet there is none, and that is no gap.
        private_ip: if document["privateIp"].is_null() {
            None
        } else {
            member("privateIp", is_ip, "an IP address in `privateIp`")
        },
        life_cycle: reader.optional_word("meta-data/instance-life-cycle").await,
        placement_group: placement_group(reader).await.unwrap_or_else(|error| reader.gap(error)),
    })
}

fn is_word(text: &str) -> bool {
    leaf::word(text.as_bytes()).as_deref() == Ok(text)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name may hold spaces, since people choose it.
async fn placement_group(reader: &Reader) -> Result<Option<String>, Error> {
    const PATH: &str = "meta-data/placement/group-name";
    let Some(bytes) = reader.bytes(PATH).await? else {
        return Ok(None);
    };
    match leaf::text(&bytes) {
        Ok("") => Ok(None),
        Ok(name) => Ok(Some(name.to_owned())),
        Err(expected) => Err(reader.bad(PATH, &bytes, expected)),
    }
}

impl Essential {
    /// Node names, labels and API calls are made from these, so that none may be empty or hold odd characters.
    fn check(&self) -> Result<(), (&str, Expected)> {
        let words = [
            (&self.instance_type, "an instance type in `instanceType`"),
            (&self.availability_zone, "a zone in `availabilityZone`"),
        ];
        for (value, expected) in words {
            if !is_word(value) {
                return Err((value, expected));
            }
        }
        leaf::id(&self.instance_id, "i-", "an id like i-… in `instanceId`")
            .map(drop)
            .map_err(|expected| (&*self.instance_id, expected))
    }
}
