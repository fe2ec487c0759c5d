//! What somebody may do in the consoles of a service.

use crate::wire::wire_enum;

wire_enum! {
    /// What an account may do in a service's consoles, beside what its [`Role`](crate::standard_api::Role) says to the
    /// market. Each step may do what the steps before it may.
    ///
    /// An account of the [operators' tenant](crate::ids::TenantId::operators) reaches all tenants, any other its own.
    Access {
        /// Uses the service.
        User = "user",
        /// Sees what administrators see, and changes nothing.
        Viewer = "viewer",
        /// Changes things.
        Admin = "admin",
        /// Makes administrators, too. Exists among operators only, and the last one cannot be removed.
        SuperAdmin = "super_admin",
    }
}
