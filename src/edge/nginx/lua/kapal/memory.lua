-- Memory that nginx shares. Reads nginx's own, where no interface tells: through a pipe, by a system call that answers EFAULT where a
-- pointer leads nowhere.
local ffi = require "ffi"

ffi.cdef [[
int pipe2(int *fds, int flags);
long write(int fd, const void *data, size_t length);
long read(int fd, void *data, size_t length);
void *calloc(size_t count, size_t size);
]]

local C = ffi.C

local M = {}

local O_NONBLOCK_CLOEXEC = 0x80800
-- What a pipe holds at least.
local MOST = 4096

local fds
local bytes = ffi.new("uint8_t[?]", MOST)

local function open()
  fds = ffi.new "int[2]"
  if C.pipe2(fds, O_NONBLOCK_CLOEXEC) ~= 0 then fds = nil end
  return fds ~= nil
end

local function copy(at, length)
  if at == 0 or length > MOST or not (fds or open()) then return false end
  if C.write(fds[1], ffi.cast("const void *", at), length) ~= length then return false end
  return C.read(fds[0], bytes, length) == length
end

--- The number of `size` bytes (4 or 8) at an address, nil where there is no memory.
function M.read(at, size)
  if not copy(at, size) then return nil end
  return tonumber(ffi.cast(size == 4 and "uint32_t *" or "uint64_t *", bytes)[0])
end

--- Some bytes at an address, nil where there is no memory.
function M.text(at, length)
  if not copy(at, length) then return nil end
  return ffi.string(bytes, length)
end

--- So many zeroes for as long as the process lives, for what nginx may still read or write when Lua is gone; nil where there
--- is no memory.
function M.keep(size)
  local place = C.calloc(1, size)
  return place ~= nil and place or nil
end

return M
