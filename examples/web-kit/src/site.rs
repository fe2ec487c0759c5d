//! The service that pages belong to.

use chrono_tz::Tz;
use mt_paas_core::TenantId;
use mt_paas_core::period::Zone;

use crate::Text;

/// What all pages of a service share.
#[derive(Debug, Clone)]
pub struct Site {
    pub(crate) name: Text,
    pub(crate) home: String,
    pub(crate) people_home: String,
    pub(crate) zone: Option<Tz>,
}

impl Site {
    /// A service by the name that people know it by. Operators come to `/` after a login, and the people of a tenant to
    /// `/t/{tenant}`.
    pub fn new(name: Text) -> Self {
        Self { name, home: "/".to_owned(), people_home: "/t/{tenant}".to_owned(), zone: None }
    }

    /// Where operators come to after a login.
    #[must_use]
    pub fn home(mut self, path: impl Into<String>) -> Self {
        self.home = path.into();
        self
    }

    /// Where the people of a tenant come to after a login; `{tenant}` stands for its id.
    #[must_use]
    pub fn people_home(mut self, path: impl Into<String>) -> Self {
        self.people_home = path.into();
        self
    }

    /// The zone that times are shown in. Without one, Korean pages show those of Seoul and English pages UTC: a server
    /// cannot know where a browser is.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone.to_string().parse().ok();
        self
    }

    /// Where somebody of a tenant comes to after a login.
    pub fn home_of(&self, tenant: &TenantId) -> String {
        if *tenant == TenantId::operators() {
            self.home.clone()
        } else {
            self.people_home.replace("{tenant}", tenant.as_str())
        }
    }
}
