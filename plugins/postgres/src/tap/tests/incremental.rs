//! What came after the bookmark.
