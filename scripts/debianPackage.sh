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
