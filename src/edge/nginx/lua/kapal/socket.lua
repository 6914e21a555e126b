-- The socket on which a request talks to its endpoint: nginx has no directive that ends the wait for one answer, and no
-- variable that names the socket. It is read from nginx's own structures: request -> upstream (offset 72), upstream ->
-- peer.connection (16), connection -> data (0), fd (24), the same on all 64-bit builds since 1.9 that have the cache or
-- --with-compat. Nothing is trusted: the first word must be nginx's signature of a request, the connection must name
-- the request as its own, and the socket's other end must be the endpoint's address. Where one of these does not hold
-- there is no socket, and the request waits as long as nginx says.
local ffi = require "ffi"
local memory = require "kapal.memory"

ffi.cdef [[
int shutdown(int fd, int how);
int getpeername(int fd, void *address, unsigned int *length);
int getsockopt(int fd, int level, int name, void *value, unsigned int *length);
int inet_pton(int family, const char *text, void *address);
]]

local C = ffi.C

local M = {}

local SIGNATURE = 0x50545448
local UPSTREAM, PEER_CONNECTION, DATA, FD = 72, 16, 0, 24
local AF_INET, AF_INET6 = 2, 10
local IPPROTO_TCP, TCP_INFO = 6, 11
-- In struct tcp_info (linux/tcp.h): milliseconds since the last segment with data went out, and came.
local LAST_DATA_SENT, LAST_DATA_RECEIVED = 44, 52

local address = ffi.new "uint8_t[28]"
local wanted = ffi.new "uint8_t[16]"
local length = ffi.new "unsigned int[1]"
local info = ffi.new "uint8_t[256]"

local function is_other_end(fd, endpoint)
  length[0] = 28
  if C.getpeername(fd, address, length) ~= 0 then return false end
  if address[2] * 256 + address[3] ~= endpoint.port then return false end
  local family = address[0] + address[1] * 256
  local at, size = 4, 4
  if family == AF_INET6 then at, size = 8, 16 end
  if C.inet_pton(family, endpoint.ip, wanted) ~= 1 then return false end
  for i = 0, size - 1 do
    if address[at + i] ~= wanted[i] then return false end
  end
  return true
end

--- The descriptor over which a request (by its address) talks to the endpoint; nil where that is not certain.
function M.of(request, endpoint)
  if memory.read(request, 4) ~= SIGNATURE then return nil end
  local upstream = memory.read(request + UPSTREAM, 8)
  local connection = upstream and memory.read(upstream + PEER_CONNECTION, 8)
  if not connection or memory.read(connection + DATA, 8) ~= request then return nil end
  local fd = memory.read(connection + FD, 4)
  if not fd or fd > 0x7fffffff or not is_other_end(fd, endpoint) then return nil end
  return fd
end

--- Ends the conversation in both directions: nginx reads an early end and acts on it, as if the endpoint had gone.
function M.cut(fd)
  return C.shutdown(fd, 2) == 0
end

--- Seconds since data last came from the endpoint, and since it last went there; nil where the kernel does not tell.
function M.silence(fd)
  length[0] = 256
  if C.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) ~= 0 then return nil end
  if length[0] < LAST_DATA_RECEIVED + 4 then return nil end
  local numbers = ffi.cast("uint32_t *", info)
  return tonumber(numbers[LAST_DATA_RECEIVED / 4]) / 1000, tonumber(numbers[LAST_DATA_SENT / 4]) / 1000
end

return M
