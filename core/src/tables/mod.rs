//! Which table a stream goes to, how rows enter it, and what is promised for that.

mod template; // stream name -> table name

pub use template::Template;
mod stub;
pub use stub::{TablePlan, explain, plan};
