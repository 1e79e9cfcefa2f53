//! Cases for each clause of the contract of [`SessionBackend`](cloakroom_core::SessionBackend).

pub mod create;
pub mod delete;
pub mod ids;
pub mod index;
pub mod load;
pub mod rotate;
pub mod save;
pub mod steps;
pub mod sweep;
pub mod touch;
pub mod walk;
