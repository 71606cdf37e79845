// The plugin is a module and cannot be linked; its sources become part of this program here, once.
#include "client.cpp"
#include "mapping.cpp"
#include "plugin.cpp"
