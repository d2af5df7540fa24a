//! What the node class of Karpenter's GPU nodes names: without it Karpenter starts none of them, and says so later and elsewhere.

use super::checks::{self, Problem};
use super::facts::placement;
use super::image;
use crate::aws::{Door, Failure};
use crate::settings::Settings;

/// What speaks against it. Nothing is asked where the class names nothing of one's own, or nobody makes it.
pub async fn karpenter(door: &Door, settings: &Settings) -> Result<Vec<Problem>, Failure> {
    let mut problems = Vec::new();
    if !(settings.install_kubernetes && settings.karpenter_has_gpus()) {
        return Ok(problems);
    }
    if let Some(name) = &settings.gpu_placement_group
        && settings.karpenter_says_placement()
    {
        let there = placement(door, name).await?;
        let wrong = checks::placement_group(settings, there.as_deref(), 1);
        problems.extend(wrong.map(|what| Problem { setting: "GPU_PLACEMENT_GROUP", what }));
    }
    if let Some(id) = &settings.gpu_ami_id {
        let found = image::image(door, id).await?;
        let wrong = image::wrong(settings, found.as_ref()).into_iter();
        problems.extend(wrong.map(|(setting, what)| Problem { setting, what }));
    }
    Ok(problems)
}
