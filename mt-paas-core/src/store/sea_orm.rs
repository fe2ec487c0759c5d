//! Stores on SQLite and PostgreSQL.
