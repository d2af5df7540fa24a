//! Who this instance is: the identity document, and what it leaves out.

use gpunode_host::metadata::Identity;
use serde::Deserialize;

use crate::Error;
use crate::leaf::{self, Expected};
use crate::reader::Reader;

const DOCUMENT: &str = "dynamic/instance-identity/document";

/// The members of the document we use; there are more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    instance_id: String,
    instance_type: String,
    image_id: String,
    region: String,
    availability_zone: String,
    account_id: String,
    architecture: String,
    private_ip: Option<String>,
}

pub(crate) async fn read(reader: &Reader) -> Result<Identity, Error> {
    let bytes = reader.bytes(DOCUMENT).await?.ok_or_else(|| reader.missing(DOCUMENT))?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|source| Error::Document { url: reader.url(DOCUMENT), source })?;
    document.check().map_err(|(value, expected)| reader.bad(DOCUMENT, value.as_bytes(), expected))?;
    Ok(Identity {
        instance_id: document.instance_id,
        instance_type: document.instance_type,
        image_id: document.image_id,
        region: document.region,
        availability_zone: document.availability_zone,
        availability_zone_id: reader.word("meta-data/placement/availability-zone-id").await?,
        account_id: document.account_id,
        architecture: document.architecture,
        private_ip: document.private_ip,
        life_cycle: reader.word("meta-data/instance-life-cycle").await?,
        placement_group: placement_group(reader).await?,
    })
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

impl Document {
    /// Node names, labels and API calls are made from these, so that none may be empty or hold odd characters.
    fn check(&self) -> Result<(), (&str, Expected)> {
        let words = [
            (&self.instance_type, "an instance type in `instanceType`"),
            (&self.image_id, "an image id in `imageId`"),
            (&self.region, "a region in `region`"),
            (&self.availability_zone, "a zone in `availabilityZone`"),
            (&self.architecture, "an architecture in `architecture`"),
        ];
        for (value, expected) in words {
            if leaf::word(value.as_bytes()).as_ref() != Ok(value) {
                return Err((value, expected));
            }
        }
        leaf::id(&self.instance_id, "i-", "an id like i-… in `instanceId`")
            .map_err(|expected| (&*self.instance_id, expected))?;
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((&self.account_id, "twelve digits in `accountId`"));
        }
        match &self.private_ip {
            Some(ip) if ip.parse::<std::net::IpAddr>().is_err() => Err((ip, "an IP address in `privateIp`")),
            _ => Ok(()),
        }
    }
}
