//! Singer.
mod bind;
mod column;
mod duration;
mod json;
mod number;
mod output;
mod record;
mod target;
mod temporal;
mod text;

pub use target::SingerTarget;
