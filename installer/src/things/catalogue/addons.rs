//! EKS add-ons.

use super::{Maker, Row};
use crate::policies::ROLES;
use crate::render::parts;
use crate::things::s3_policy::POLICY;
use crate::things::{Addon, Kind};

/// Which add-on's pods take which role.
pub(super) const DRIVERS: [(&str, &str); 4] = [
    ("aws-ebs-csi-driver", "ebs-csi"),
    ("aws-efs-csi-driver", "efs-csi"),
    ("aws-fsx-csi-driver", "fsx-csi"),
    ("aws-mountpoint-s3-csi-driver", "s3-csi"),
];

impl Maker<'_> {
    /// Add-ons; each after the associations of its service accounts, so that its first pods have their role.
    pub(super) fn addons(&mut self) {
        for addon in parts::all_addons(self.settings) {
            let accounts = ROLES.iter().filter(|role| DRIVERS.contains(&(addon.name, role.name)));
            let given = DRIVERS.contains(&(addon.name, POLICY)) && !self.s3.outcome().added.is_empty();
            let wanted = addon.wanted || given;
            let needs: Vec<_> = accounts
                // Buckets may be named later: until then the driver has no role.
                .filter(|role| self.wants(role) || !wanted)
                .flat_map(|role| role.service_accounts.iter().map(|name| format!("pod-identity/{}/{name}", role.namespace)))
                .collect();
            let made = Addon {
                cluster: self.cluster(),
                name: addon.name.to_owned(),
                configuration: addon.configuration,
                owner: self.owner(),
            };
            let row = Row::new("EKS add-on", made.desired(), wanted, Kind::Addon(made));
            self.add(format!("eks-addon/{}", addon.name), row, &needs);
        }
    }
}
