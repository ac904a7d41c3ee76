"""The dashboards, on databases without data and with wrong settings; in a browser, see browser/."""
