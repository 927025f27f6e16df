"""How a person gets a phone to a page of this machine: a QR code in the terminal, and what to expect."""

import io

import typer

from edgehar.models.errors import BridgeError
from edgehar.models.installation import install_command


def print_invitation(url: str, *, err: bool = False) -> None:
    """Print a URL, as text and as a QR code.

    Parameters
    ----------
    url
        Of a page of this machine, with its token.
    err
        Whether to print on stderr, because stdout is for labels.

    Raises
    ------
    BridgeError
        If the package segno is not installed.
    """
    try:
        import segno
    except ModuleNotFoundError as error:
        raise BridgeError(
            "a QR code needs the package segno, it is not installed", next_step=f"Run: {install_command('phone')}."
        ) from error
    picture = io.StringIO()
    segno.make(url).terminal(out=picture, compact=True)
    typer.echo(picture.getvalue(), err=err)
    typer.echo(f"{url}\nScan it with the phone's camera, in the same network.", err=err)
    typer.echo(
        "The browser will not know the certificate, which was made just now: go on to the page all the same.", err=err
    )


def invite_phone(url: str) -> None:
    """Print where a phone that shall be a sensor finds its page; on stderr, for stdout is for labels."""
    print_invitation(url, err=True)
