# shellcheck shell=bash
# Sourced by the scripts that set up what tests need.

# Installs a package of Debian. Calls `refuse REASON`, which the caller defines, where that is not possible.
install_debian_package() {
  local package=$1 log
  command -v apt-get >/dev/null || refuse 'this script knows Debian and its relatives alone'
  [ "$(id -u)" = 0 ] || refuse "only root can install it: apt-get install $package"
  log=$(mktemp)
  install() { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >"$log" 2>&1; }
  # Lists that are there may do; where they do not, new ones are fetched.
  install || { apt-get update >/dev/null 2>&1 && install; } || refuse "apt-get install failed: $(tail -n 1 "$log")"
  rm -f "$log"
}

# Unpacks packages of Debian into a folder, without installing them. Any user can, where the package lists know them.
unpack_debian_packages() {
  local folder=$1 package downloads tool
  shift
  for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || refuse "$tool not found: this script supports Debian and its derivatives only"
  done
  downloads=$(mktemp -d)
  download() { (cd "$downloads" && apt-get download "$1" >download.log 2>&1); }
  for package in "$@"; do
    # The package lists may be sufficient; otherwise root can update them.
    apt-cache show "$package" >/dev/null 2>&1 || [ "$(id -u)" != 0 ] || apt-get update >/dev/null 2>&1 || true
    download "$package" || { [ "$(id -u)" = 0 ] && apt-get update >/dev/null 2>&1 && download "$package"; } ||
      refuse "apt-get download $package failed: $(tail -n 1 "$downloads/download.log")"
  done
  mkdir -p "$folder"
  for package in "$downloads"/*.deb; do dpkg-deb --extract "$package" "$folder"; done
  rm -rf "$downloads"
}
