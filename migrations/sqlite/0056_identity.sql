-- SQLite numbers the rows of binding and delivery_outcome by itself; PostgreSQL is told to by its file of this number.
SELECT 1;
