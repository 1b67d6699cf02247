"""The installed packages: their lock file, licences and known vulnerabilities."""
