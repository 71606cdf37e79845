#pragma once

// Takes the network away from the process that tests a plugin.
namespace rabt::check {

// Irrevocable. The process must have one thread and PR_SET_NO_NEW_PRIVS. Afterwards no packet
// leaves the process: it is in a network namespace of its own or, where the system allows none,
// refuse_sockets() holds. Returns false if the system allows neither.
[[nodiscard]] bool take_network_away();
// From now on socket() makes Unix sockets only; everything else fails with EPERM.
[[nodiscard]] bool refuse_sockets();

}  // namespace rabt::check
