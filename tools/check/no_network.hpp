#pragma once

// Takes the network away from the process that tests a plugin.
namespace rabt::check {

// Irrevocable; the process has one thread and PR_SET_NO_NEW_PRIVS. Afterwards no packet leaves it:
// it is in a network namespace of its own or, where the system allows none, refuse_sockets() holds.
// False: neither can be had.
[[nodiscard]] bool take_network_away();
// The second of the two: socket() makes Unix sockets only, everything else fails with EPERM.
[[nodiscard]] bool refuse_sockets();

}  // namespace rabt::check
