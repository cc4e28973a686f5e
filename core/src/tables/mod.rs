//! Which table a stream goes to, how rows enter it, and what is promised for that.

mod explain; // what is promised for a tap, a target and a stream
mod plan; // write mode and table of every stream
mod template; // stream name -> table name

pub use explain::{Explanation, Promise, check_exactly_once, explain};
pub use plan::{TablePlan, plan};
pub use template::Template;

#[cfg(test)]
mod tests;
