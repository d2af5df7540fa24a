//! The image of one's own that nodes are started from: one of another architecture is not started at all, and one with its
//! root elsewhere gets our root volume beside its own small one.

use crate::aws::{Door, Element, Failure, Form};
use crate::settings::Settings;

/// As EC2 describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `available`, `pending`, `failed` and the others of EC2's `ImageState`.
    pub state: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// `/dev/xvda`
    pub root: String,
    /// Of the snapshot that its root is made from, in GiB; 0 where EC2 does not say.
    pub root_size: u64,
}

/// The image `id`, where there is one that we may see.
pub(super) async fn image(door: &Door, id: &str) -> Result<Option<Image>, Failure> {
    let form = Form::new("ec2:DescribeImages").list("ImageId", [id]);
    Ok(door.ec2.if_there(form, "imagesSet").await?.as_ref().map(read))
}

fn read(found: &Element) -> Image {
    let root = found.text("rootDeviceName");
    let mapping = found.items("blockDeviceMapping").find(|volume| volume.text("deviceName") == root);
    let size = mapping.and_then(|volume| volume.child("ebs")?.text("volumeSize").parse().ok());
    Image {
        state: found.text("imageState").to_owned(),
        architecture: found.text("architecture").to_owned(),
        root: root.to_owned(),
        root_size: size.unwrap_or_default(),
    }
}

/// What speaks against it, each with the setting that it is about.
pub(super) fn wrong(settings: &Settings, image: Option<&Image>) -> Vec<(&'static str, String)> {
    const ID: &str = "GPU_AMI_ID";
    let Some(id) = settings.gpu_ami_id.as_ref() else { return Vec::new() };
    let Some(there) = image else {
        let what = format!("there is no image {id} in {} that these credentials see", settings.aws_region);
        return vec![(ID, what)];
    };
    let mut wrong = Vec::new();
    if there.state != "available" {
        wrong.push((ID, format!("{id} is {}: no instance starts from it", there.state)));
    }
    if let Some(kind) = settings.instance_type() {
        let wants = kind.arch.name();
        if there.architecture != wants {
            wrong.push((ID, format!("{id} is for {}, and {} is {wants}", there.architecture, kind.name)));
        }
    }
    if there.root != settings.gpu_root_device {
        let what = format!("{id} has its root on {0}: GPU_ROOT_DEVICE={0} is meant", there.root);
        wrong.push(("GPU_ROOT_DEVICE", what));
    }
    if there.root_size > settings.gpu_root_volume_size {
        let what = format!("{id} needs {} GiB: EC2 starts it on no smaller root volume", there.root_size);
        wrong.push(("GPU_ROOT_VOLUME_SIZE", what));
    }
    wrong
}
