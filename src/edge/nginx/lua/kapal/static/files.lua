-- Files of a release as open descriptors: what was looked at is what is sent, whatever happens to its name meanwhile. nginx sends the file from
-- /proc/self/fd/N (proc(5)), which opens the same file again, so there is no moment between the check and the use.

local ffi = require("ffi")
local bit = require("bit")
local sub = string.sub

ffi.cdef([[
  int open(const char *path, int flags, ...);
  int close(int fd);
  ssize_t readlink(const char *path, char *buf, size_t size);
  char *realpath(const char *path, char *resolved);
  int fstat(int fd, void *buf);
]])

local _M = {}

local C = ffi.C
local O_RDONLY, O_NOCTTY, O_NONBLOCK, O_CLOEXEC = 0, 0x100, 0x800, 0x80000
local flags = bit.bor(O_RDONLY, O_NOCTTY, O_NONBLOCK, O_CLOEXEC)
local FORMAT, REGULAR, FOLDER = 0xf000, 0x8000, 0x4000

-- struct stat of Linux on 64 bits: the two ABIs that Kapal runs on differ in their first fields.
if ffi.arch == "x64" then
  ffi.cdef([[
    typedef struct { uint64_t dev, ino, nlink; uint32_t mode, uid, gid, pad0; uint64_t rdev; int64_t size, blksize, blocks;
      int64_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, reserved[3]; } kapal_stat;
  ]])
else
  ffi.cdef([[
    typedef struct { uint64_t dev, ino; uint32_t mode, nlink, uid, gid; uint64_t rdev, pad1; int64_t size; int32_t blksize, pad2; int64_t blocks;
      int64_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns; uint32_t reserved[2]; } kapal_stat;
  ]])
end

local PATH_MAX = 4096
local room = ffi.new("char[?]", PATH_MAX + 1)
local stat = ffi.new("kapal_stat[1]")

-- The folder with its links resolved, or nil where it is not there.
function _M.root(path)
  if C.realpath(path, room) == nil then return nil end
  return ffi.string(room)
end

local function isBelow(root, path)
  if path == root or root == "/" then return true end
  return sub(path, 1, #root + 1) == root .. "/"
end

local function describe(fd, root)
  local length = C.readlink("/proc/self/fd/" .. fd, room, PATH_MAX)
  if length <= 0 or C.fstat(fd, stat) ~= 0 or not isBelow(root, ffi.string(room, length)) then return nil end
  local found = stat[0]
  local kind = bit.band(found.mode, FORMAT)
  if kind == FOLDER then return "folder" end
  if kind ~= REGULAR then return nil end
  return "file"
end

-- Strong, and another for another file, size or moment (to the nanosecond).
local function etag(found)
  return string.format(
    '"%s-%s-%s%09d"',
    bit.tohex(found.ino, 12):gsub("^0+", ""),
    bit.tohex(found.size, 12):gsub("^0+", ""),
    bit.tohex(found.mtime, 10):gsub("^0+", ""),
    tonumber(found.mtime_ns)
  )
end

-- Opens a regular file below `root` (a resolved path). `{fd, size, modified (whole seconds), etag}` to be closed, "folder", or nil where nothing
-- is that may be seen. A link may lead anywhere inside the root. O_NONBLOCK keeps a FIFO from blocking.
function _M.open(root, path)
  if #root + #path > PATH_MAX then return nil end
  local fd = C.open(root .. path, flags)
  if fd < 0 then return nil end
  local kind = describe(fd, root)
  if kind ~= "file" then
    C.close(fd)
    return kind
  end
  local found = stat[0]
  return { fd = fd, size = tonumber(found.size), modified = tonumber(found.mtime), etag = etag(found) }
end

function _M.close(file)
  if file.fd then
    C.close(file.fd)
    file.fd = nil
  end
end

return _M
