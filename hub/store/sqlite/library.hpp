#pragma once

namespace rabt::store::sqlite {

// Sets up SQLite for the whole process, once. It has to come before the process's first other use
// of SQLite; later SQLite takes none of it and works as it does by itself. Any thread may call.
void set_up_library();

}  // namespace rabt::store::sqlite
