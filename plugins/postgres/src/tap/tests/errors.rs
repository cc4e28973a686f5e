//! Bad input: one clear error each, that names the stream and the next step.
