"""What dashboards read: views and functions, one file in `sql` each, made by `isobar migrate`."""
