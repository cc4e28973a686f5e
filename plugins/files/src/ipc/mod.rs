//! Arrow IPC: files with a footer, and streams.

mod arrays; // a message -> arrays
mod copied; // some rows of a batch
mod encode; // batches -> files
mod fault; // what is wrong with a file
mod file; // where the messages of a file are
mod format; // a type of file
mod options; // what the user may set
mod packed; // compressed buffers
mod place; // where to read on
mod reader; // its records
mod schema; // the columns, and what each is made of

pub(crate) use encode::IpcEncoding;
pub(crate) use format::Ipc;
#[cfg(test)]
pub(crate) use options::ArrowOptions;
pub(crate) use options::Compression;

#[cfg(test)]
mod encode_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
