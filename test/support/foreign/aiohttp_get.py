"""Reads a URL with aiohttp; prints `ok <bytes>`, or the class of the exception."""

import asyncio
import sys

import aiohttp


async def main(url: str, seconds: float) -> None:
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            print("ok", len(await response.read()))
    except Exception as error:
        print(type(error).__name__)


asyncio.run(main(sys.argv[1], float(sys.argv[2])))
